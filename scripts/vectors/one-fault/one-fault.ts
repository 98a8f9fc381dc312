import {
  type FamilyFiles,
  type FileDecodeVector,
  type FileEncodeVector,
  refuses,
  resolveValue,
} from "@tensorwire/conformance/corpus";
import type { CaseRequest, Event, Step } from "@tensorwire/conformance/protocol";
import { handleCase } from "@tensorwire/iut-ts";
import companions from "./companions.json";
import { Donor, edits } from "./edits.ts";
import { pairEdits } from "./pairs.ts";
import several from "./several.json";
import { bytesOf, type Group, streamOf } from "./tree.ts";
import { valueEdits } from "./values.ts";

/**
 * That a vector which refuses names the one rule that it breaks. Beside it only such rules may stand as say of the same fault when it is
 * judged, before what, at which cost, or under which other name: those of `companions.json`, each with the reason.
 */
export function ruleFaults(
  families: readonly FamilyFiles[],
  reasons: Readonly<Record<string, string>> = companions,
): string[] {
  const refusing = families.flatMap(({ family }) => family.vectors.filter(refuses));
  const faults: string[] = [];
  const used = new Set<string>();
  for (const { id, rules } of refusing) {
    if (rules.length === 1) continue;
    for (const rule of rules) used.add(rule);
    const broken = rules.filter((rule) => !(rule in reasons));
    if (broken.length === 1 || (broken.length === 0 && id in several)) continue;
    faults.push(
      broken.length === 0
        ? `${id}: refuses, and names none of ${rules.join(", ")} as the rule that it breaks`
        : `${id}: refuses, and names ${broken.join(" and ")}: it is to break one rule`,
    );
  }
  for (const rule of Object.keys(reasons))
    if (!used.has(rule)) faults.push(`${rule}: a reason to stand beside no rule`);
  return faults;
}

/**
 * That a vector which refuses breaks one rule and no other: with one place of it as it is in an accepted neighbour, all of it is accepted.
 * What else differs from the neighbour is thereby shown to be right. A place is the value of a field, a length, a field, part or tensor too
 * many or too few, two in the wrong order, or what stands twice and is one thing; the lengths around it follow, and the length of a part
 * follows its spec. Two faults in one value, or in something that is too much as a whole, it cannot tell from one. Vectors of which two
 * faults are the point stand in `several.json`, and so does what no one place mends, each with the reason.
 */
export interface OneFaultCheck {
  readonly refusals: number;
  readonly faults: readonly string[];
}

type Judged = "accepted" | "refused" | "unfinished" | "declined";

export function checkOneFault(
  families: readonly FamilyFiles[],
  reasons: Readonly<Record<string, string>> = several,
): OneFaultCheck {
  const vectors = new Map(
    families.flatMap((files) => files.family.vectors.map((vector) => [vector.id, { vector, files }])),
  );
  const faults: string[] = [];
  let refusals = 0;
  for (const { vector, files } of vectors.values()) {
    if (!refuses(vector)) continue;
    refusals++;
    const sibling = vectors.get(vector.sibling!)!.vector;
    const one =
      vector.role === "decode"
        ? bytesHealed(vector, sibling as FileDecodeVector, files)
        : valueHealed(vector, sibling as FileEncodeVector, files);
    const reason = reasons[vector.id];
    // Two faults may still be mended in one place: a spec that has both is one too many.
    const means = vector.rules.some((rule) => rule.endsWith(".several-faults"));
    if ((!one || means) && reason === undefined) {
      faults.push(
        means
          ? `${vector.id}: it is about several faults, and no reason says so`
          : `${vector.id}: no change of one place makes it accepted, as ${vector.sibling} is`,
      );
    }
    if (one && !means && reason !== undefined)
      faults.push(`${vector.id}: breaks one rule, and a reason says why it does not`);
  }
  for (const id of Object.keys(reasons)) if (!vectors.has(id)) faults.push(`${id}: a reason for what is no vector`);
  return { refusals, faults };
}

function valueHealed(vector: FileEncodeVector, sibling: FileEncodeVector, { bins }: FamilyFiles): boolean {
  const value = resolveValue(vector.value, bins, "request");
  const donor = resolveValue(sibling.value, bins, "request");
  return valueEdits(value, donor).some((encode) => judge(vector, [{ encode }]).judged === "accepted");
}

function bytesHealed(vector: FileDecodeVector, sibling: FileDecodeVector, files: FamilyFiles): boolean {
  const { profile, bins } = files;
  const stream = streamOf(vector.bytes, profile, bins);
  const accepted = streamOf(sibling.bytes, profile, bins);
  const bytes = bytesOf(stream);
  const tails = tailsOf(accepted, bytes.length);
  const { judged } = decoded(vector, bytes);
  // Limits above those of the reference, and lengths that go with them: nothing else may differ.
  if (judged === "declined") return onlyLengthDiffers(vector, sibling);
  // An end inside a message is mended by what did not come.
  if (judged === "unfinished" && completed(vector, bytes, tails, stream)) return true;
  const donor = new Donor(accepted);
  for (const { tree } of both(edits(stream, donor), pairEdits(stream, donor))) {
    const edited = bytesOf(tree);
    const { judged: now, messages } = decoded(vector, edited);
    if (now === "accepted" && messages >= tree.items.length) return true;
    if (now === "unfinished" && completed(vector, edited, tails, tree)) return true;
  }
  return false;
}

function* both<Item>(...generators: readonly Iterable<Item>[]): Generator<Item> {
  for (const items of generators) yield* items;
}

/** Ends of an accepted stream: from where this one ends, and from each of its fields on. */
function tailsOf(accepted: Group, from: number): Uint8Array[] {
  const bytes = bytesOf(accepted);
  const starts = new Set([from]);
  let at = 0;
  const walk = (node: Parameters<typeof bytesOf>[0]): void => {
    starts.add(at);
    if (node.kind === "leaf") {
      at += node.bytes.length;
      return;
    }
    const before = at;
    if (node.kind === "sized")
      at += bytesOf(node).length - node.items.reduce((sum, item) => sum + bytesOf(item).length, 0);
    for (const item of node.items) walk(item);
    at = before + bytesOf(node).length;
  };
  walk(accepted);
  return [...starts].filter((start) => start < bytes.length).map((start) => bytes.subarray(start));
}

function completed(
  vector: FileDecodeVector,
  bytes: Uint8Array,
  tails: readonly Uint8Array[],
  { items }: Group,
): boolean {
  return tails.some((tail) => {
    const { judged, messages } = decoded(vector, Buffer.concat([bytes, tail]));
    return judged === "accepted" && messages >= items.length;
  });
}

function onlyLengthDiffers({ bytes }: FileDecodeVector, sibling: FileDecodeVector): boolean {
  if (bytes.length !== sibling.bytes.length) return false;
  const different = bytes.filter(
    (segment, i) => !Bun.deepEquals({ ...segment, note: "" }, { ...sibling.bytes[i], note: "" }),
  );
  return different.length === 1 && different[0]?.field === "length";
}

const decoded = (vector: FileDecodeVector, bytes: Uint8Array) =>
  judge(vector, [{ feed: bytes.toHex() }, { eof: true }]);

function judge(
  { id, limits, role }: FileDecodeVector | FileEncodeVector,
  steps: readonly Step[],
): { judged: Judged; messages: number } {
  const profile = id.slice(0, id.indexOf("/"));
  const request: CaseRequest = { op: "case", seq: 0, id, profile, role, limits, steps };
  const answer = handleCase(request);
  if (answer.op === "declined") return { judged: answer.reason === "limit" ? "declined" : "refused", messages: 0 };
  if (answer.op !== "result") return { judged: "refused", messages: 0 };
  const events = answer.steps.flat();
  const messages = events.filter(({ event }) => event === "message").length;
  const error = events.find((event): event is Event & { event: "error" } => event.event === "error");
  if (error === undefined) return { judged: "accepted", messages };
  const atEnd = answer.steps.at(-1)?.includes(error) === true && error.class?.startsWith("eof.") === true;
  return { judged: atEnd && role === "decode" ? "unfinished" : "refused", messages };
}
