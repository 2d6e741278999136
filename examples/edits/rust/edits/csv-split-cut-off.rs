/// Splits one record into its fields.
pub fn split_record(line: &str, dialect: Dialect) -> Result<Vec<String>, CsvError> {
    let mut fields = Vec::with_capacity(8);
    let mut field = String::new();
    let mut chars = line.chars().enumerate().peekable();

    while let Some((column, c)) = chars.next() {
        if c == dialect.quote && field.is_empty() {
            loop {
                match chars.next() {
                    None => return Err(CsvError::OpenQuote {
