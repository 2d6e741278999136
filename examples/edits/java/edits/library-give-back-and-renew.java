public class Library {
    // ... existing code ...

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

    // ... existing code ...

    public static final class Loan {
        // ... existing code ...

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

        // ... existing code ...
    }
}

// ... existing code ...
