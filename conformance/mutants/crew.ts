import { beforeLeaving } from "@tensorwire/conformance/leaving";

/** The child gave no answer: it ran past the deadline, or its process ended. */
export interface NoAnswer {
  readonly lost: "timeout" | "died";
}

/** One child process that runs `entry`, started when it is needed and again after it was lost. */
export class Worker<Question, Answer> {
  readonly #entry: string;
  #child: Bun.Subprocess | null = null;
  #settle: (answer: Answer | NoAnswer) => void = () => {};

  constructor(entry: string) {
    this.#entry = entry;
  }

  async ask(question: Question, deadline: number): Promise<Answer | NoAnswer> {
    this.#child ??= this.#start();
    const child = this.#child;
    const { promise, resolve } = Promise.withResolvers<Answer | NoAnswer>();
    this.#settle = resolve;
    const timer = setTimeout(() => {
      resolve({ lost: "timeout" });
      this.#child = null;
      child.kill("SIGKILL");
    }, deadline);
    child.send(question);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    child?.disconnect();
    await child?.exited;
  }

  #start(): Bun.Subprocess {
    // A mutant that loops for ever would outlive this process.
    const kept = beforeLeaving(() => child.kill("SIGKILL"));
    const child: Bun.Subprocess = Bun.spawn([process.execPath, this.#entry], {
      stdio: ["ignore", "inherit", "inherit"],
      ipc: (answer: Answer) => this.#settle(answer),
      onExit: () => {
        kept();
        if (this.#child !== child) return;
        this.#child = null;
        this.#settle({ lost: "died" });
      },
    });
    return child;
  }
}
