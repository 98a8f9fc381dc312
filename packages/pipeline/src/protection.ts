import { type Protection, parseAddress } from "@tensorwire/transport";

/**
 * What `connect` or `listen` gets for one of a rank's addresses; loopback TCP without one. A Unix socket does not leave the machine, and
 * takes no TLS.
 */
export function protectionOf(address: string | undefined, { tls, insecure }: Protection): Protection {
  const unix = address !== undefined && parseAddress(address).kind === "unix";
  return { ...(tls && !unix && { tls }), ...(insecure && { insecure }) };
}
