/** Rules without a mutant, and why none is possible where the corpus looks: what a codec makes of bytes. */
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
    rules: ["pp-session.rebroadcast"],
    reason: "It speaks of what a stage sends on to others: the tests of the pipeline judge it.",
  },
  {
    rules: ["pp.result.exactly-one"],
    reason: "It speaks of a stage over many calls, not of a codec: the tests of the pipeline judge it.",
  },
];

/** Rules of what a decoder or encoder does to one stream; the driver's table and the IUT protocol are judged elsewhere. */
export function inScope(rule: string): boolean {
  return (
    /^(?:len32|len64|len56|grpc|multipart|multipart-typed|tp|tp-session|pp|pp-session)\./.test(rule) &&
    !rule.startsWith("pp.acceptance.")
  );
}
