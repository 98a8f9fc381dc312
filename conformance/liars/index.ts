import { CONTRADICTORY } from "./contradictory.ts";
import { GALLERY, type Liar, MUTE_CODEC } from "./gallery.ts";
import { TABLES } from "./tables.ts";
import { TOUCHES } from "./touches.ts";

/** All that `main.ts` plays. Liars of levels 0, 2 and 3 stand in their tests. */
export const LIARS: readonly Liar[] = [...GALLERY, ...CONTRADICTORY, ...TABLES, MUTE_CODEC, TOUCHES];
