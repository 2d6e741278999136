public class InvoicePrinter {
    // ... existing code ...

    public void printFooter(Document document) {
        document.addLine("Payable within " + paymentDays + " days");
        document.addLine(bankAccount.toString());
    }

    // ... existing code ...
}
