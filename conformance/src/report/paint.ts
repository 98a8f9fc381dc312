import picocolors from "picocolors";

/** The few colours of the reports; all of them the identity where there is no terminal. */
export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
}

export function paint(colour: boolean): Paint {
  const colours = picocolors.createColors(colour);
  return {
    good: colours.green,
    bad: colours.red,
    warn: colours.yellow,
    bold: colours.bold,
    dim: colours.dim,
  };
}
