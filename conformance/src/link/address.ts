/** `HOST:PORT`, `[IPv6]:PORT`, or the path of a Unix socket. */
export function parseAddress(address: string): { hostname: string; port: number } | { unix: string } {
  const match = /^(?:\[([^\]]+)\]|([^/:]+)):(\d+)$/.exec(address);
  if (match === null) return { unix: address };
  return { hostname: match[1] ?? match[2] ?? "", port: Number(match[3]) };
}
