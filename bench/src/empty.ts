/** Nothing: what is measured is how long Bun takes to start. */
export {};
