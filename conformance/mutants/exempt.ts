/** Rules without a mutant, and why none is possible where the corpus looks. */
export interface Exemption {
  readonly rules: readonly string[];
  readonly reason: string;
}

export const EXEMPTIONS: readonly Exemption[] = [
  {
    rules: ["tp.spec.before-allocation"],
    reason:
      "The reference reserves nothing for a tensor but what its part has brought, whenever it checks the specs: unit tests judge the order.",
  },
  {
    rules: ["tp.manifest.nothing-executable"],
    reason:
      "It forbids every deed of a kind; the reference has no code that could do one, and a test of imports holds that.",
  },
  {
    rules: ["tp.kwargs.no-tensors"],
    reason: "The IUT protocol is JSON, which cannot carry a typed array into kwargs: unit tests judge it.",
  },
  {
    rules: ["tp.evolution.version-bump", "tp.evolution.reserved", "pp.evolution.version-bump", "pp.evolution.reserved"],
    reason: "It binds the authors of the next version, not a codec.",
  },
  {
    rules: ["tp.manifest.several-faults"],
    reason:
      "It permits; the order that it keeps is that of the rules on multipart, limit and version, which have mutants.",
  },
  {
    rules: ["pp.manifest.protobuf"],
    reason: "It only says that the rules tp.manifest.varint, twice and finite hold; their mutants break it too.",
  },
  {
    rules: ["link.hello.offsets"],
    reason:
      "In the reference the handshake and the protocol have a decoder each, which begin at 0: no single change joins their counts.",
  },
  {
    rules: ["link.hello.pending"],
    reason: "It speaks of many strangers at once: tests of packages/pipeline judge it on real sockets.",
  },
  {
    rules: ["link.hello.encode"],
    reason: "It speaks of what the operator of a rank says, not of what a peer does: unit tests judge it.",
  },
  {
    rules: [
      "link.tls.non-loopback",
      "link.tls.version",
      "link.tls.mutual",
      "link.tls.name",
      "link.tls.before-any-byte",
      "link.tls.limits",
      "link.tls.end",
    ],
    reason:
      "The harness speaks no TLS: tests of packages/transport judge it on real sockets, with certificates made on the spot.",
  },
];

/** Rules of what a decoder or encoder does to one stream, of what a driver accepts and of who is let in; the IUT protocol is judged elsewhere. */
export function inScope(rule: string): boolean {
  return /^(?:len32|len64|len56|grpc|multipart|multipart-typed|tp|tp-session|pp|pp-session|link)\./.test(rule);
}
