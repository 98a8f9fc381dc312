import type { Spoken } from "@tensorwire/conformance/wire";
import { type CaseLimits, CODECS, type Codec, readLimits } from "../codec.ts";
import { Declined } from "../declined.ts";

/** What a rank is told about a connection. */
export interface RankSpoken {
  /** The rank that the harness plays. */
  readonly rank: number;
  readonly group: string | undefined;
  readonly identity: Spoken["identity"];
  readonly limits: CaseLimits;
  readonly window: number;
  readonly checkDigest: boolean;
  /** Absent: the library's own deadlines, the shortest of which is 30 seconds. */
  readonly deadlineMs: number | undefined;
}

const PROFILES: Readonly<Record<string, string>> = {
  "tp-leader": "tp-session",
  "tp-worker": "tp-session",
  "pp-driver": "pp-session",
  "pp-stage": "pp-session",
};

export const isRank = ({ role }: Spoken): boolean => Object.hasOwn(PROFILES, role);

/** r[iut.rank.capability] */
export function readSpoken({ profile, role, limits, rank = 0, group, identity }: Spoken): RankSpoken {
  if (profile !== PROFILES[role]) throw new Declined("role", `role ${role} is one of profile ${PROFILES[role]}`);
  const { window, deadline_ms, check_digest, ...rest } = limits;
  return {
    rank,
    group,
    identity,
    limits: readLimits(CODECS.get(profile) as Codec, rest),
    window: Number(window ?? 1),
    checkDigest: check_digest === "1",
    deadlineMs: deadline_ms === undefined ? undefined : Number(deadline_ms),
  };
}
