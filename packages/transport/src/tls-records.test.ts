import { describe, expect, test } from "bun:test";
import { TlsRecords } from "./tls-records.ts";

/** A record of TLS 1.3: its header, and a body of the content, the inner type and a tag. */
function record(content: number, type = 23): Buffer {
  const length = type === 23 ? content + 17 : content;
  return Buffer.concat([Buffer.of(type, 3, 3, length >> 8, length & 0xff), Buffer.alloc(length)]);
}

const CLOSE_NOTIFY = record(2);

/** What the ledger says after one chunk of these records, of which so many bytes came out. */
function closedAfter(records: readonly Buffer[], given: number): boolean {
  const ledger = new TlsRecords();
  ledger.take(Buffer.concat(records));
  ledger.gave(given);
  return ledger.closed;
}

describe("the end of a TLS stream", () => {
  test("is a close_notify, alone or behind data", () => {
    expect(closedAfter([CLOSE_NOTIFY], 0)).toBe(true);
    expect(closedAfter([record(100), record(16_384), CLOSE_NOTIFY], 16_484)).toBe(true);
    expect(closedAfter([record(1), record(1), CLOSE_NOTIFY], 2)).toBe(true);
    expect(closedAfter([record(2), CLOSE_NOTIFY], 2)).toBe(true);
  });

  test("is a close_notify behind the last of the handshake, with or without data", () => {
    expect(closedAfter([record(900), record(36), CLOSE_NOTIFY], 0)).toBe(true);
    expect(closedAfter([record(1, 20), record(900), record(36), record(5), CLOSE_NOTIFY], 5)).toBe(true);
    expect(closedAfter([record(250), record(1), record(1), CLOSE_NOTIFY], 2)).toBe(true);
  });

  test("is not a last record of two bytes of data", () => {
    expect(closedAfter([record(2)], 2)).toBe(false);
    expect(closedAfter([record(100), record(2)], 102)).toBe(false);
    expect(closedAfter([record(2), record(2)], 4)).toBe(false);
    expect(closedAfter([record(250), record(2)], 2)).toBe(false);
    expect(closedAfter([record(900), record(100), record(2)], 102)).toBe(false);
  });

  test("is not data, a ticket, an alert in the clear, or nothing", () => {
    expect(closedAfter([record(100)], 100)).toBe(false);
    expect(closedAfter([record(250)], 0)).toBe(false);
    expect(closedAfter([record(2, 21)], 0)).toBe(false);
    expect(new TlsRecords().closed).toBe(false);
  });

  test("is not seen in a close_notify that is padded, since a ticket looks the same", () => {
    expect(closedAfter([record(3)], 0)).toBe(false);
    expect(closedAfter([record(64)], 0)).toBe(false);
    expect(closedAfter([record(100), record(64)], 100)).toBe(false);
  });

  test("is not there while a record is cut, wherever that is", () => {
    for (let cut = 1; cut < CLOSE_NOTIFY.length; cut++) {
      expect(closedAfter([record(100), CLOSE_NOTIFY.subarray(0, cut)], 100)).toBe(false);
    }
  });

  test("is seen however the records are chopped", () => {
    const stream = Buffer.concat([record(900), record(0), record(300), CLOSE_NOTIFY]);
    for (let size = 1; size <= stream.length; size++) {
      const records = new TlsRecords();
      for (let at = 0; at < stream.length; at += size) {
        expect(records.closed).toBe(false);
        records.take(stream.subarray(at, at + size));
        // The data comes out with the chunk that has the last byte of its record.
        const whole = 922 + 22 + 322;
        if (at < whole && at + size >= whole) records.gave(300);
      }
      expect(records.closed).toBe(true);
    }
  });
});
