import { join } from "node:path";
import type { Answer, Question } from "./child.ts";

const CHILD = join(import.meta.dir, "child.ts");

/** The child gave no answer: it ran past the deadline, or its process ended. */
export interface NoAnswer {
  readonly lost: "timeout" | "died";
}

/** One child process, started when it is needed and again after it was lost. */
export class Worker {
  #child: Bun.Subprocess | null = null;
  #settle: (answer: Answer | NoAnswer) => void = () => {};

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
    const child: Bun.Subprocess = Bun.spawn([process.execPath, CHILD], {
      stdio: ["ignore", "inherit", "inherit"],
      ipc: (answer: Answer) => this.#settle(answer),
      onExit: () => {
        if (this.#child !== child) return;
        this.#child = null;
        this.#settle({ lost: "died" });
      },
    });
    return child;
  }
}
