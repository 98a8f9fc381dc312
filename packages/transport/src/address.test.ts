import { describe, expect, test } from "bun:test";
import { WireError } from "@tensorwire/framing";
import { formatAddress, isLoopback, parseAddress, toAddress } from "./address.ts";

const GOOD: [string, object][] = [
  ["tcp://127.0.0.1:4000", { kind: "tcp", host: "127.0.0.1", port: 4000 }],
  ["tcp://localhost:0", { kind: "tcp", host: "localhost", port: 0 }],
  ["tcp://node-3.cluster_a.local:65535", { kind: "tcp", host: "node-3.cluster_a.local", port: 65_535 }],
  ["tcp://[::1]:80", { kind: "tcp", host: "::1", port: 80 }],
  ["tcp://[2001:db8::17]:80", { kind: "tcp", host: "2001:db8::17", port: 80 }],
  ["unix:/run/stage 0.sock", { kind: "unix", path: "/run/stage 0.sock" }],
  ["unix:stage.sock", { kind: "unix", path: "stage.sock" }],
];

const BAD: [string, string][] = [
  ["", "it starts with neither tcp:// nor unix:"],
  ["127.0.0.1:4000", "it starts with neither tcp:// nor unix:"],
  ["http://host:80", "it starts with neither tcp:// nor unix:"],
  ["tcp://host", "it is not tcp://host:port"],
  ["tcp://", "it is not tcp://host:port"],
  ["tcp://host:80:90", "it is not tcp://host:port"],
  ["tcp://::1:80", "an IPv6 address stands in brackets, as in tcp://[::1]:4000"],
  ["tcp://[host]:80", "[host] is not an IPv6 address"],
  ["tcp://[]:80", "[] is not an IPv6 address"],
  ["tcp://:80", "the host is missing"],
  ["tcp://user@host:80", '"user@host" is not a host name'],
  ["tcp://host:80/path", 'the port is a number from 0 to 65535, got "80/path"'],
  ["tcp://host:", 'the port is a number from 0 to 65535, got ""'],
  ["tcp://host:65536", 'the port is a number from 0 to 65535, got "65536"'],
  ["tcp://host:-1", 'the port is a number from 0 to 65535, got "-1"'],
  ["tcp://host:0x50", 'the port is a number from 0 to 65535, got "0x50"'],
  ["unix:", "the path is missing"],
  ["unix:///run/stage.sock", "one slash begins a path, as in unix:/run/stage.sock"],
  ["unix:/a\0b", "a path holds no zero byte"],
];

describe("addresses", () => {
  test.each(GOOD)("%p is read, and written the same", (text, address) => {
    expect<object>(parseAddress(text)).toEqual(address);
    expect(formatAddress(parseAddress(text))).toBe(text);
  });

  test.each(BAD)("%p is refused", (text, why) => {
    expect(() => parseAddress(text)).toThrow(`[transport.refused] ${JSON.stringify(text)} is not an address: ${why}`);
  });

  test("a refusal is the caller's fault and not fatal", () => {
    try {
      parseAddress("nowhere");
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(WireError);
      expect(error).toMatchObject({ code: "transport.refused", fault: "caller", fatal: false });
    }
  });

  test("a Unix path is counted in bytes and ends before the kernel's limit", () => {
    const longest = process.platform === "linux" ? 107 : 103;
    expect(toAddress(`unix:/${"a".repeat(longest - 1)}`).kind).toBe("unix");
    expect(() => parseAddress(`unix:/${"a".repeat(longest)}`)).toThrow(`the path has ${longest + 1} bytes`);
    expect(() => parseAddress(`unix:/${"é".repeat(60)}`)).toThrow("the path has 121 bytes");
  });

  test("an address given as an object is checked too", () => {
    expect(() => toAddress({ kind: "tcp", host: "a b", port: 1 })).toThrow('"a b" is not a host name');
    expect(() => toAddress({ kind: "tcp", host: "a", port: 1.5 })).toThrow("the port is a number");
    expect(() => toAddress({ kind: "unix", path: "" })).toThrow("the path is missing");
  });

  test.each([
    "tcp://127.0.0.1:1",
    "tcp://127.9.9.9:1",
    "tcp://LOCALHOST:1",
    "tcp://[::1]:1",
    "tcp://[::ffff:127.0.0.1]:1",
    "unix:/x",
  ])("%p is loopback", (text) => expect(isLoopback(parseAddress(text))).toBe(true));

  test.each([
    "tcp://0.0.0.0:1",
    "tcp://[::]:1",
    "tcp://10.0.0.1:1",
    "tcp://127.0.0.1.example.org:1",
    "tcp://127.1:1",
    "tcp://host:1",
  ])("%p is not", (text) => expect(isLoopback(parseAddress(text))).toBe(false));
});
