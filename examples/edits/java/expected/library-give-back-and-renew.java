package library;

import java.time.Clock;
import java.time.LocalDate;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/** The desk of a lending library: members, books, loans and reservations. */
public class Library {
    private static final int LOAN_DAYS = 28;
    private static final int MAX_RENEWALS = 2;
    private static final long FINE_CENTS_PER_DAY = 20;

    private final Clock clock;
    private final Map<String, Book> books = new HashMap<>();
    private final Map<Integer, Member> members = new HashMap<>();
    private final Map<String, Loan> loans = new HashMap<>();
    private final Map<String, Deque<Member>> reservations = new HashMap<>();
    private int nextMemberNumber = 1000;

    public Library(Clock clock) {
        this.clock = Objects.requireNonNull(clock);
    }

    // ------------------------------------------------------------------
    // Books
    // ------------------------------------------------------------------

    public void addBook(Book book) {
        if (books.putIfAbsent(book.isbn(), book) != null) {
            throw new LibraryException("already in the catalogue: " + book.isbn());
        }
    }

    public Optional<Book> findBook(String isbn) {
        return Optional.ofNullable(books.get(isbn));
    }

    /** Finds books by a part of the title or of the author's name. */
    public List<Book> search(String text) {
        String needle = text.toLowerCase(Locale.ROOT);
        return books.values().stream()
                .filter(book -> book.matches(needle))
                .sorted(Comparator.comparing(Book::title))
                .collect(Collectors.toList());
    }

    // ------------------------------------------------------------------
    // Members
    // ------------------------------------------------------------------

    public Member join(String name) {
        Member member = new Member(nextMemberNumber++, name);
        members.put(member.number(), member);
        return member;
    }

    /** A member may only leave without books and without debts. */
    public void leave(int number) {
        Member member = member(number);
        if (!loansOf(member).isEmpty()) {
            throw new LibraryException(member.name() + " still has books");
        }
        if (member.debtCents() > 0) {
            throw new LibraryException(member.name() + " still owes a fine");
        }
        members.remove(number);
    }

    private Member member(int number) {
        Member member = members.get(number);
        if (member == null) {
            throw new LibraryException("no member " + number);
        }
        return member;
    }

    // ------------------------------------------------------------------
    // Loans
    // ------------------------------------------------------------------

    /** Lends a book. Reserved books go only to the first in the queue. */
    public Loan lend(String isbn, int memberNumber) {
        Member member = member(memberNumber);
        Book book = findBook(isbn).orElseThrow(() -> new LibraryException("no book " + isbn));
        if (loans.containsKey(isbn)) {
            throw new LibraryException(book.title() + " is lent already");
        }
        Deque<Member> queue = reservations.get(isbn);
        if (queue != null && !queue.isEmpty()) {
            if (queue.peekFirst() != member) {
                throw new LibraryException(book.title() + " is reserved");
            }
            queue.removeFirst();
        }
        Loan loan = new Loan(book, member, today().plusDays(LOAN_DAYS));
        loans.put(isbn, loan);
        return loan;
    }

    /** Takes a book back and charges a fine if it is late. */
    public long giveBack(String isbn) {
        Loan loan = loans.remove(isbn);
        if (loan == null) {
            throw new LibraryException("not lent: " + isbn);
        }
        long fine = Math.min(fineFor(loan), 5_000);
        if (fine > 0) {
            loan.member.charge(fine);
        }
        return fine;
    }

    public void renew(String isbn) {
        Loan loan = loans.get(isbn);
        if (loan == null) {
            throw new LibraryException("not lent: " + isbn);
        }
        loan.renew(today());
    }

    public void reserve(String isbn, int memberNumber) {
        Member member = member(memberNumber);
        Deque<Member> queue = reservations.computeIfAbsent(isbn, key -> new ArrayDeque<>());
        if (!queue.contains(member)) {
            queue.addLast(member);
        }
    }

    public List<Loan> loansOf(Member member) {
        List<Loan> found = new ArrayList<>();
        for (Loan loan : loans.values()) {
            if (loan.member == member) {
                found.add(loan);
            }
        }
        return found;
    }

    /** All loans that should have come back before today. */
    public List<Loan> overdue() {
        LocalDate today = today();
        return loans.values().stream().filter(loan -> loan.due.isBefore(today)).toList();
    }

    private long fineFor(Loan loan) {
        long days = ChronoUnit.DAYS.between(loan.due, today());
        return days <= 0 ? 0 : days * FINE_CENTS_PER_DAY;
    }

    private LocalDate today() {
        return LocalDate.now(clock);
    }

    // ------------------------------------------------------------------
    // Types
    // ------------------------------------------------------------------

    /** A title in the catalogue. */
    public record Book(String isbn, String title, String author, int year) {

        boolean matches(String needle) {
            return title.toLowerCase(Locale.ROOT).contains(needle)
                    || author.toLowerCase(Locale.ROOT).contains(needle);
        }

        @Override
        public String toString() {
            return author + ": " + title + " (" + year + ")";
        }
    }

    public static final class Member {
        private final int number;
        private final String name;
        private long debtCents;

        Member(int number, String name) {
            this.number = number;
            this.name = name;
        }

        public int number() {
            return number;
        }

        public String name() {
            return name;
        }

        public long debtCents() {
            return debtCents;
        }

        void charge(long cents) {
            debtCents += cents;
        }

        public void pay(long cents) {
            if (cents > debtCents) {
                throw new LibraryException("that is more than the debt");
            }
            debtCents -= cents;
        }

        @Override
        public String toString() {
            return name + " #" + number;
        }
    }

    public static final class Loan {
        private final Book book;
        private final Member member;
        private LocalDate due;
        private int renewals;

        Loan(Book book, Member member, LocalDate due) {
            this.book = book;
            this.member = member;
            this.due = due;
        }

        void renew(LocalDate today) {
            if (due.isBefore(today)) {
                throw new LibraryException(book.title() + " is overdue");
            }
            if (renewals >= MAX_RENEWALS) {
                throw new LibraryException(book.title() + " was renewed too often");
            }
            renewals++;
            due = today.plusDays(LOAN_DAYS);
        }

        public LocalDate due() {
            return due;
        }

        @Override
        public String toString() {
            return book + ", lent to " + member + " until " + due;
        }
    }
}

/** Something the rules of the library do not allow. */
class LibraryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LibraryException(String message) {
        super(message);
    }
}
