class LibraryException extends RuntimeException {
    private static final long serialVersionUID = 2L;

    LibraryException(String message) {
        super(message);
    }

    LibraryException(String message, Throwable cause) {
        super(message, cause);
    }
}
