export interface AppConfig {
    host: string;
    port: number;
    logLevel: "debug" | "info" | "error";
}

type Env = Record<string, string | undefined>;

const DEFAULT_PORT = 8080;

function readPort(env: Env): number {
    const raw = env.PORT;
    if (raw === undefined || raw === "") {
        return DEFAULT_PORT;
    }
    const port = Number(raw);
    if (!Number.isInteger(port)) {
        throw new Error(`PORT is not a number: ${raw}`);
    }
    return port;
}

function readLogLevel(env: Env): AppConfig["logLevel"] {
    switch (env.LOG_LEVEL) {
        case "debug":
        case "error":
            return env.LOG_LEVEL;
        default:
            return "info";
    }
}

/** Reads the settings once, when the process starts. */
export function loadConfig(env: Env): AppConfig {
    return {
        host: env.HOST ?? "127.0.0.1",
        port: readPort(env),
        logLevel: readLogLevel(env),
    };
}
