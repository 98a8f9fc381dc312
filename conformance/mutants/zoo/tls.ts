import type { Mutant } from "../mutant.ts";
import { byTests } from "./by-tests.ts";

const SESSION = "packages/transport/src/tls-session.ts";
const HANDSHAKES = "packages/transport/src/handshakes.ts";
const PROTECTED = "packages/transport/src/protected.ts";
const ADDRESS = "packages/transport/src/address.ts";
const LISTEN = "packages/transport/src/listen.ts";
const CONNECT = "packages/transport/src/connect.ts";
const RECORDS = "packages/transport/src/tls-records.ts";

const PEERS = "packages/transport/src/tls.test.ts";
const STRANGERS = "packages/transport/src/tls-strangers.test.ts";
const ENDS = "packages/transport/src/tls-end.test.ts";
const CLEAR = "packages/transport/src/protected.test.ts";

/** What protects a connection between machines. The harness speaks no TLS: the tests of packages/transport judge it, on real sockets. */
export const TLS: readonly Mutant[] = [
  byTests(CLEAR, {
    id: "tls/clear-unless-forbidden",
    rules: ["link.tls.non-loopback"],
    file: PROTECTED,
    find: "insecure === true",
    replace: "insecure !== false",
    why: "What leaves the machine goes in the clear unless somebody forbids it.",
  }),
  byTests(CLEAR, {
    id: "tls/name-like-loopback",
    rules: ["link.tls.non-loopback"],
    file: ADDRESS,
    find: 'return isIP(v4) === 4 && v4.startsWith("127.");',
    replace: 'return v4.startsWith("127.");',
    why: "A name that begins like an address of this machine is taken for one.",
  }),
  byTests(CLEAR, {
    id: "tls/all-addresses-are-local",
    rules: ["link.tls.non-loopback"],
    file: ADDRESS,
    find: 'if (host === "localhost" || host === "::1") return true;',
    replace: 'if (["localhost", "::1", "0.0.0.0", "::"].includes(host)) return true;',
    why: "To listen on all addresses counts as listening on this machine alone.",
  }),
  byTests(CLEAR, {
    id: "tls/dialled-unchecked",
    rules: ["link.tls.non-loopback"],
    file: PROTECTED,
    find: 'checkProtected(toAddress(target), protection, "is on another machine", "dial a loopback address");',
    replace: "toAddress(target);",
    why: "Who dials another machine is not asked what protects it.",
  }),
  byTests(PEERS, {
    id: "tls/version-1.2",
    rules: ["link.tls.version"],
    file: SESSION,
    find: " | constants.SSL_OP_NO_TLSv1_2",
    replace: "",
    why: "TLS 1.2 is spoken too.",
  }),
  byTests(PEERS, {
    id: "tls/any-client",
    rules: ["link.tls.mutual", "link.tls.before-any-byte"],
    file: SESSION,
    find: "if (ok && cause === null && socket.authorized && ",
    replace: 'if ((this.#side.role === "server" || (ok && cause === null && socket.authorized)) && ',
    why: "A listener asks for a certificate, and takes any.",
  }),
  byTests(PEERS, {
    id: "tls/any-server",
    rules: ["link.tls.mutual", "link.tls.name", "link.tls.before-any-byte"],
    file: SESSION,
    find: "if (ok && cause === null && socket.authorized && ",
    replace: 'if ((this.#side.role === "client" || (ok && cause === null && socket.authorized)) && ',
    why: "Who dials does not look at the certificate of who answers.",
  }),
  byTests(PEERS, {
    id: "tls/authorities-of-the-system",
    rules: ["link.tls.mutual"],
    file: SESSION,
    find: "    ca,\n    cert,\n    key,\n    requestCert: true,",
    replace: "    cert,\n    key,\n    requestCert: true,",
    why: "The authorities of the system are asked, and not those of the deployment.",
  }),
  byTests(PEERS, {
    id: "tls/authorities-added",
    rules: ["link.tls.mutual"],
    file: SESSION,
    find: "    ca,\n    cert,\n    key,\n    requestCert: true,",
    replace:
      '    ca: [ca, ...process.getBuiltinModule("node:tls").getCACertificates("default")],\n    cert,\n    key,\n    requestCert: true,',
    why: "The authorities of the system are asked beside those of the deployment.",
  }),
  byTests(PEERS, {
    id: "tls/name-unchecked",
    rules: ["link.tls.name"],
    file: SESSION,
    find: "const cause = error ?? socket.getAuthorizationError();\n        ",
    replace:
      'const cause = error ?? socket.getAuthorizationError();\n        if (cause !== null && "code" in cause && cause.code === "ERR_TLS_CERT_ALTNAME_INVALID") {\n          this.#connection = new StreamConnection(new SocketLink(socket, this.#side.address), this.#side.connection);\n          return this.#side.secured(this.#connection);\n        }\n        ',
    why: "A server may show a good certificate that is for another name.",
    defect: "h2o/picotls#11",
  }),
  byTests(PEERS, {
    id: "tls/own-name-forgotten",
    rules: ["link.tls.name"],
    file: CONNECT,
    find: "serverName: options.serverName ?? hostOf(address),",
    replace: "serverName: hostOf(address),",
    why: "The name that was to be expected is not the one that is looked for.",
  }),
  byTests(STRANGERS, {
    id: "tls/handshakes-unbounded",
    rules: ["link.tls.limits"],
    file: HANDSHAKES,
    find: "if (this.#underWay.size < maxHandshakes) return;",
    replace: "if (this.#underWay.size < 2 ** 32 * maxHandshakes) return;",
    why: "As many handshakes are under way as strangers begin.",
  }),
  byTests(STRANGERS, {
    id: "tls/newest-handshake-dropped",
    rules: ["link.tls.limits"],
    file: HANDSHAKES,
    find: "this.#underWay.entries().next().value!;",
    replace: "[...this.#underWay].at(-1)!;",
    why: "Silent strangers hold all places of handshakes, and whoever comes later is dropped.",
  }),
  byTests(STRANGERS, {
    id: "tls/handshake-for-ever",
    rules: ["link.tls.limits"],
    file: HANDSHAKES,
    find: "clock.setTimeout(late, handshakeMs);",
    replace: "clock.setTimeout(late, 2 ** 31 - 1);",
    why: "A handshake has no deadline.",
  }),
  byTests(STRANGERS, {
    id: "tls/endless-hello",
    rules: ["link.tls.limits"],
    file: SESSION,
    find: "if (this.#taken > maxHandshakeBytes) {",
    replace: "if (this.#taken > 2 ** 32 * maxHandshakeBytes) {",
    why: "A stranger may send bytes of a handshake without end.",
  }),
  byTests(STRANGERS, {
    id: "tls/bound-of-65",
    rules: ["link.tls.limits"],
    file: HANDSHAKES,
    find: "maxHandshakes = 64,",
    replace: "maxHandshakes = 65,",
    why: "One handshake more than 64 is under way.",
  }),
  byTests(STRANGERS, {
    id: "tls/handshake-of-a-minute",
    rules: ["link.tls.limits"],
    file: HANDSHAKES,
    find: "handshakeMs = 5000,",
    replace: "handshakeMs = 60_000,",
    why: "A handshake may take longer than five seconds.",
  }),
  byTests(STRANGERS, {
    id: "tls/handshake-takes-a-place",
    rules: ["link.tls.limits"],
    file: LISTEN,
    find: "const open = (socket: Socket<SocketData>) => {\n    if (full()) {",
    replace:
      "let begun = 0;\n  const open = (socket: Socket<SocketData>) => {\n    if (full() || ++begun > maxConnections) {",
    why: "Strangers in the handshake use up the places of connections.",
  }),
  byTests(ENDS, {
    id: "tls/fin-is-an-end",
    rules: ["link.tls.end"],
    file: SESSION,
    find: "onEnd: () => (this.#records.closed ? this.#connection?.onEnd() : this.#cut(null)),",
    replace: "onEnd: () => this.#connection?.onEnd(),",
    why: "An end of TCP that nobody signed is the end of the stream.",
    defect: "rustls/ktls#74",
  }),
  byTests(ENDS, {
    id: "tls/any-record-is-the-end",
    rules: ["link.tls.end"],
    file: RECORDS,
    find: "contents.at(-1) !== ALERT) return false;",
    replace: "contents.length === 0) return false;",
    why: "A stream that is cut behind any whole record has ended.",
  }),
  byTests(ENDS, {
    id: "tls/close-notify-is-a-cut",
    rules: ["link.tls.end"],
    file: RECORDS,
    find: "const ALERT = 2;",
    replace: "const ALERT = 3;",
    why: "The end that the peer meant is taken for a stream that broke off.",
  }),
];
