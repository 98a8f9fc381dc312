import type { CorpusFiles } from "../corpus/index.ts";
import { sameLimits } from "../corpus/sweeps/plan.ts";
import type { Case } from "../corpus/types.ts";
import { type FileVector, type ProfileFile, refuses } from "../corpus/vector-file.ts";
import type { Limits } from "../protocol.ts";
import { isFramed, payloadOf, rewrite } from "./frames.ts";
import { takeApart } from "./scenario.ts";
import { casesOf, idOf, vectorOf } from "./vector.ts";

/** What stands beside a refusal: the id of a vector that accepts under the same limits, and the vector where the corpus has none. */
export interface Sibling {
  readonly id: string;
  readonly made?: FileVector;
}

/** The sibling of a refusal made of this case. */
export type Accepting = (about: Case) => Sibling;

const WHY = "Stands beside a refusal that was made small: the same limits, and all of it is accepted.";

/** The case's own sibling or vector, where it accepts under the case's limits; else the first of its profile and role, or one made of it. */
export function acceptingIn({ families }: Pick<CorpusFiles, "families">): Accepting {
  return (about) => {
    const { profile, role, limits } = about;
    const family = families.filter((one) => one.profile.profile === profile);
    const accepts = family.flatMap((one) => one.family.vectors).filter((one) => one.role === role && accepted(one));
    const fits = accepts.filter((one) => sameLimits(one.limits, limits));
    const own = fits.find(({ id }) => id === about.sibling) ?? fits.find(({ id }) => id === about.vector) ?? fits[0];
    if (own !== undefined) return { id: own.id };
    const [file] = family;
    for (const other of file === undefined ? [] : accepts.filter(holdsItsBytes)) {
      const made = file && under(limits, other, file.profile);
      if (made !== undefined) return { id: made.id, made };
    }
    return { id: about.sibling ?? about.vector };
  };
}

const accepted = (vector: FileVector) =>
  !refuses(vector) && (vector.role === "encode" || vector.at_eof === "end") && (vector.bytes ?? []).length > 0;

const holdsItsBytes = ({ bytes = [] }: FileVector) => bytes.every(({ bin }) => bin === undefined);

/** The vector under other limits: as it is where those are wider, with shorter payloads where they are not. */
function under(limits: Limits, vector: FileVector, profile: ProfileFile): FileVector | undefined {
  const wide = Object.entries(limits).every(([name, most]) => BigInt(vector.limits[name] ?? most) <= BigInt(most));
  const { rules, level, why: _, limits: __, sibling: ___, defects: ____, id: _____, ...rest } = vector;
  if (wide) {
    const body = { rules, level, ...rest, why: WHY, limits, sweeps: {} };
    return { id: idOf(profile.profile, body), ...body } as FileVector;
  }
  const [first] = vector.role === "decode" ? casesOf({ ...vector, sweeps: {} }, profile) : [];
  const scenario = first && takeApart(first, profile);
  if (scenario === undefined || !isFramed(profile)) return undefined;
  const most = Number(limits.max_frame_length ?? 0);
  const connections = scenario.connections.map((connection) => ({
    ...connection,
    units: connection.units.map((unit) => {
      const payload = payloadOf(unit).subarray(0, most);
      return rewrite(unit, payload, BigInt(payload.length));
    }),
  }));
  return vectorOf({ ...scenario, limits, connections }, WHY, "");
}
