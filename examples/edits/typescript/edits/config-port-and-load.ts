// ... existing code ...

function readPort(env: Env): number {
    const raw = env.PORT;
    if (raw === undefined || raw === "") {
        return DEFAULT_PORT;
    }
    const port = Number(raw);
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
        throw new Error(`PORT is not a port number: ${raw}`);
    }
    return port;
}

// ... existing code ...

export function loadConfig(env: Env = process.env): AppConfig {
    return {
        host: env.HOST || "127.0.0.1",
        port: readPort(env),
        logLevel: readLogLevel(env),
    };
}
