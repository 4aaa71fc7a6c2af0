import { COLON, CR, classes, LF, TOKEN, VALUE } from "./bytes.ts";

const maxLineBytes = 1024;
const maxTrailerBytes = 16 * 1024;
const maxSizeDigits = 13;

type Mode = "none" | "length" | "chunked" | "until close";

/** Where in chunk framing the next byte stands. */
const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER = 6;
const TRAILER_NAME = 7;
const TRAILER_VALUE = 8;
const TRAILER_LF = 9;
const END_LF = 10;

/**
 * Finds where a message's body ends, without touching the bytes: they are passed on as they came. Strict about chunk framing,
 * as whoever reads it next must see the same end. Reused from message to message.
 */
export class BodyFollower {
  isDone = true;
  isMalformed = false;
  /** When set, the positions of chunks' content in the last `advance`, as pairs: for a peer that knows no chunks. */
  content: number[] | undefined;
  private mode: Mode = "none";
  private remaining = 0;
  private state = SIZE;
  private digits = 0;
  private lineBytes = 0;
  private trailerBytes = 0;

  none(): void {
    this.begin("none");
    this.isDone = true;
  }

  length(bytes: number): void {
    this.begin("length");
    this.remaining = bytes;
    this.isDone = bytes === 0;
  }

  chunked(): void {
    this.begin("chunked");
  }

  untilClose(): void {
    this.begin("until close");
  }

  get endsWithConnection(): boolean {
    return this.mode === "until close";
  }

  /** @returns where the body's part of `bytes[start, end)` ends: `end`, unless the body is done or malformed there */
  advance(bytes: Uint8Array, start: number, end: number): number {
    if (this.isDone) return start;
    if (this.mode === "length") {
      const taken = Math.min(end - start, this.remaining);
      this.remaining -= taken;
      this.isDone = this.remaining === 0;
      return start + taken;
    }
    return this.mode === "chunked" ? this.advanceChunks(bytes, start, end) : end;
  }

  private begin(mode: Mode): void {
    this.mode = mode;
    this.isDone = this.isMalformed = false;
    this.content = undefined;
    this.state = SIZE;
    this.remaining = this.digits = this.lineBytes = this.trailerBytes = 0;
  }

  private advanceChunks(bytes: Uint8Array, start: number, end: number): number {
    if (this.content) this.content.length = 0;
    let at = start;
    while (at < end) {
      if (this.state === DATA) {
        const taken = Math.min(end - at, this.remaining);
        if (this.content && taken > 0) this.content.push(at, at + taken);
        this.remaining -= taken;
        at += taken;
        if (this.remaining === 0) this.state = DATA_CR;
        continue;
      }
      if (!this.step(bytes[at]!)) {
        this.isMalformed = true;
        return at;
      }
      at++;
      if (this.isDone) return at;
    }
    return at;
  }

  /** Takes one byte of framing. @returns false when it may not stand there */
  private step(byte: number): boolean {
    switch (this.state) {
      case SIZE: {
        const digit = hexDigit(byte);
        if (digit >= 0) {
          this.remaining = this.remaining * 16 + digit;
          return ++this.digits <= maxSizeDigits;
        }
        if (this.digits === 0) return false;
        // ';' opens an extension, which may be preceded by (bad, but tolerated elsewhere) space: refused here.
        this.state = byte === CR ? SIZE_LF : EXTENSION;
        return byte === CR || byte === 59;
      }
      case EXTENSION:
        if (byte === CR) this.state = SIZE_LF;
        return byte === CR || ((classes[byte]! & VALUE) !== 0 && ++this.lineBytes <= maxLineBytes);
      case SIZE_LF:
        this.state = this.remaining === 0 ? TRAILER : DATA;
        this.digits = this.lineBytes = 0;
        return byte === LF;
      case DATA_CR:
        this.state = DATA_LF;
        return byte === CR;
      case DATA_LF:
        this.state = SIZE;
        return byte === LF;
      default:
        return ++this.trailerBytes <= maxTrailerBytes && this.stepTrailer(byte);
    }
  }

  private stepTrailer(byte: number): boolean {
    switch (this.state) {
      case TRAILER:
        this.state = byte === CR ? END_LF : TRAILER_NAME;
        return byte === CR || (classes[byte]! & TOKEN) !== 0;
      case TRAILER_NAME:
        if (byte === COLON) this.state = TRAILER_VALUE;
        return byte === COLON || (classes[byte]! & TOKEN) !== 0;
      case TRAILER_VALUE:
        if (byte === CR) this.state = TRAILER_LF;
        return byte === CR || (classes[byte]! & VALUE) !== 0;
      case TRAILER_LF:
        this.state = TRAILER;
        return byte === LF;
      case END_LF:
        this.isDone = byte === LF;
        return this.isDone;
      default:
        return false;
    }
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 0x20;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
