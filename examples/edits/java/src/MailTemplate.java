package mail;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Fills placeholders such as {{name}} in a text. */
public class MailTemplate {
    private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{\\s*(\\w+)\\s*\\}\\}");

    /** Sent after somebody has registered. */
    static final String WELCOME = """
            Dear {{ name }},

            thank you for joining us. Please confirm your address:
            {{ link }}

            { This mail was written by a program. }
            """;

    private final String text;

    public MailTemplate(String text) {
        this.text = text;
    }

    public String fill(Map<String, String> values) {
        Matcher matcher = PLACEHOLDER.matcher(text);
        StringBuilder out = new StringBuilder();
        while (matcher.find()) {
            String value = values.getOrDefault(matcher.group(1), "");
            matcher.appendReplacement(out, Matcher.quoteReplacement(value));
        }
        matcher.appendTail(out);
        return out.toString();
    }

    /** How many placeholders the text has. */
    public int countPlaceholders() {
        Matcher matcher = PLACEHOLDER.matcher(text);
        int count = 0;
        while (matcher.find()) {
            count++;
        }
        return count;
    }
}
