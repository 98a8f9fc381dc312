import { isIP } from "node:net";
import { refusal } from "@tensorwire/framing";

/** Where to listen or to connect to. `port` 0 lets the system choose, for a listener only. */
export type Address = TcpAddress | UnixAddress;

export interface TcpAddress {
  readonly kind: "tcp";
  /** A name or a literal; an IPv6 literal stands here without its brackets. */
  readonly host: string;
  readonly port: number;
}

export interface UnixAddress {
  readonly kind: "unix";
  readonly path: string;
}

/** Bytes of a path that fit the kernel's `sun_path` with its closing zero: 108 on Linux, 104 on macOS and the BSDs. */
const LONGEST_UNIX_PATH = process.platform === "linux" ? 107 : 103;

/**
 * Reads `tcp://host:port`, `tcp://[::1]:port` or `unix:/path`. Throws a `transport.refused` refusal that quotes the text and says
 * what was wrong with it.
 */
export function parseAddress(text: string): Address {
  if (text.startsWith("tcp://")) return parseTcp(text, text.slice("tcp://".length));
  if (text.startsWith("unix:")) return checkUnix({ kind: "unix", path: text.slice("unix:".length) });
  throw bad(text, "it starts with neither tcp:// nor unix:");
}

export function formatAddress(address: Address): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  const { host, port } = address;
  return `tcp://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Takes either form of an address; one given as an object is checked like one given as text. */
export function toAddress(address: Address | string): Address {
  return parseAddress(typeof address === "string" ? address : formatAddress(address));
}

/** True when only this machine can reach the address. A name other than `localhost` may resolve to anything, so it is not. */
export function isLoopback(address: Address): boolean {
  if (address.kind === "unix") return true;
  const host = address.host.toLowerCase();
  if (host === "localhost" || host === "::1") return true;
  const v4 = host.startsWith("::ffff:") ? host.slice("::ffff:".length) : host;
  return isIP(v4) === 4 && v4.startsWith("127.");
}

function parseTcp(text: string, rest: string): TcpAddress {
  const match = /^(?:\[(?<v6>[^\]]*)\]|(?<name>[^:[\]]*)):(?<port>[^:]*)$/.exec(rest);
  if (match?.groups === undefined) {
    const hint = isIP(rest.replace(/:\d+$/, "")) === 6 || isIP(rest) === 6;
    throw bad(text, hint ? "an IPv6 address stands in brackets, as in tcp://[::1]:4000" : "it is not tcp://host:port");
  }
  const { v6, name, port: digits } = match.groups;
  if (v6 !== undefined && isIP(v6) !== 6) throw bad(text, `[${v6}] is not an IPv6 address`);
  if (name !== undefined && !/^[\w.-]+$/.test(name)) {
    throw bad(text, name === "" ? "the host is missing" : `${JSON.stringify(name)} is not a host name`);
  }
  const port = /^\d{1,5}$/.test(digits ?? "") ? Number(digits) : -1;
  if (port < 0 || port > 65_535) throw bad(text, `the port is a number from 0 to 65535, got ${JSON.stringify(digits)}`);
  return { kind: "tcp", host: v6 ?? name ?? "", port };
}

function checkUnix(address: UnixAddress): UnixAddress {
  const text = formatAddress(address);
  const { path } = address;
  if (path === "") throw bad(text, "the path is missing");
  if (path.startsWith("//")) throw bad(text, "one slash begins a path, as in unix:/run/stage.sock");
  if (path.includes("\0")) throw bad(text, "a path holds no zero byte");
  const length = Buffer.byteLength(path);
  if (length > LONGEST_UNIX_PATH) {
    throw bad(text, `the path has ${length} bytes; a Unix socket's has at most ${LONGEST_UNIX_PATH}`);
  }
  return address;
}

function bad(text: string, why: string) {
  return refusal("transport.refused", `${JSON.stringify(text)} is not an address: ${why}`);
}
