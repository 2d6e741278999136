// ... existing code ...

function readLogLevel(env: Env): AppConfig["logLevel"] {
    switch (env.LOG_LEVEL?.toLowerCase()) {
        case "debug":
            return "debug";
        case "error":
        case "fatal":
            return "error";
        default:
            return "info";
    }
}

// ... existing code ...
