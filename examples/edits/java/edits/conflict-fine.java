    private long fineFor(Loan loan) {
        long days = ChronoUnit.DAYS.between(loan.due, today());
<<<<<<< HEAD
        return days <= 3 ? 0 : days * FINE_CENTS_PER_DAY;
=======
        return days <= 0 ? 0 : Math.min(1000, days * FINE_CENTS_PER_DAY);
>>>>>>> cap-fines
    }
