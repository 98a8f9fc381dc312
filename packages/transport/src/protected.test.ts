import { describe, expect, test } from "bun:test";
import { listen } from "./listen.ts";
import { rejection } from "./pairs.ts";
import { checkDial } from "./protected.ts";

const TLS = { ca: "ca.pem", cert: "node.pem", key: "node.key" };

describe("r[link.tls.non-loopback] without TLS", () => {
  test.each(["tcp://127.0.0.1:1", "tcp://127.9.9.9:1", "tcp://[::1]:1", "tcp://localhost:1", "unix:/x"])(
    "%s is dialled: it does not leave the machine",
    (address) => {
      expect(() => checkDial(address, {})).not.toThrow();
      expect(() => checkDial(address, { insecure: false })).not.toThrow();
    },
  );

  test.each([
    "tcp://192.0.2.1:1",
    "tcp://[2001:db8::1]:1",
    "tcp://0.0.0.0:1",
    "tcp://[::]:1",
    "tcp://node2:1",
    "tcp://127.0.0.1.example.org:1",
    "tcp://127.example.org:1",
    "tcp://localhost.example.org:1",
  ])("%s is not dialled unless somebody has allowed it, whatever it resolves to today", (address) => {
    expect(() => checkDial(address, {})).toThrow(`[transport.refused] ${address} is on another machine`);
    expect(() => checkDial(address, { insecure: false })).toThrow("[transport.refused]");
    expect(() => checkDial(address, { insecure: true })).not.toThrow();
    expect(() => checkDial(address, { tls: TLS })).not.toThrow();
  });

  test.each(["tcp://0.0.0.0:0", "tcp://[::]:0"])("nobody listens on %s", async (address) => {
    const error = await rejection(listen(address, { onConnection: () => {} }));
    expect(error).toMatchObject({ code: "transport.refused", fault: "caller" });
  });
});
