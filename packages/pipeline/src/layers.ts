/** The layers of a stage: the first one, and the one behind its last. */
export interface LayerRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Cuts a model's layers into stages: as `split` says, which has the number of each stage's layers, or as evenly as they go. What is
 * left over goes to the first stages then, since the last one has the head to run as well. Throws RangeError when there are fewer
 * layers than stages, or the split is not one of all layers into so many stages.
 */
export function splitLayers(layers: number, stages: number, split?: readonly number[]): LayerRange[] {
  if (!(Number.isInteger(stages) && stages >= 1 && stages <= layers)) {
    throw new RangeError(`stages: expected from 1 to ${layers}, one layer each, ${stages} came`);
  }
  const counts = split ?? evenly(layers, stages);
  const sum = counts.reduce((sum, count) => sum + count, 0);
  if (counts.length !== stages || sum !== layers || !counts.every((count) => Number.isInteger(count) && count >= 1)) {
    throw new RangeError(`split: expected ${stages} numbers of layers, ${layers} together, ${counts.join(",")} came`);
  }
  let to = 0;
  return counts.map((count) => {
    const from = to;
    to += count;
    return { from, to };
  });
}

function evenly(layers: number, stages: number): number[] {
  const share = Math.floor(layers / stages);
  const left = layers % stages;
  return Array.from({ length: stages }, (_, rank) => share + (rank < left ? 1 : 0));
}
