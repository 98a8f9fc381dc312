/** The layers of a stage: the first one, and the one behind its last. */
export interface LayerRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Cuts a model's layers into stages as evenly as they go. What is left over goes to the first stages, since the last one
 * has the head to run as well. Throws RangeError when there are fewer layers than stages.
 */
export function splitLayers(layers: number, stages: number): LayerRange[] {
  if (!(Number.isInteger(stages) && stages >= 1 && stages <= layers)) {
    throw new RangeError(`stages: expected from 1 to ${layers}, one layer each, ${stages} came`);
  }
  const share = Math.floor(layers / stages);
  const left = layers % stages;
  const start = (rank: number) => rank * share + Math.min(rank, left);
  return Array.from({ length: stages }, (_, rank) => ({ from: start(rank), to: start(rank + 1) }));
}
