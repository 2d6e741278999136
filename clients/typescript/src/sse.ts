import { ConnectionError } from "./errors.js";

/** One message of an event stream. */
export interface Message {
  id: string;
  event: string;
  data: string;
}

/** Longest line or message, characters; a stream that sends a longer one is given up. */
const MAX_MESSAGE = 4 * 1024 * 1024;

/** Reads the messages of an event stream (HTML standard, section 9.2.6) as its bytes come. */
export class MessageReader {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #data: string[] = [];
  #size = 0;
  #event = "";
  #id = "";

  /** The messages that these bytes complete. */
  *read(bytes: Uint8Array): Generator<Message> {
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    // A carriage return at the end may be half of a line break.
    const usable = text.endsWith("\r") ? text.length - 1 : text.length;
    const lines = text.slice(0, usable).split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? "") + text.slice(usable);
    this.#limit(this.#rest.length);
    for (const line of lines) {
      if (line !== "") this.#field(line);
      else if (this.#data.length > 0) yield this.#take();
      else this.#event = "";
    }
  }

  #field(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") {
      this.#size += value.length;
      this.#limit(this.#size);
      this.#data.push(value);
    } else if (name === "event") this.#event = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
  }

  #take(): Message {
    const message = { id: this.#id, event: this.#event || "message", data: this.#data.join("\n") };
    this.#data = [];
    this.#size = 0;
    this.#event = "";
    return message;
  }

  #limit(size: number): void {
    if (size > MAX_MESSAGE) throw new ConnectionError(`an event is longer than ${MAX_MESSAGE} characters`);
  }
}
