/** What a part of the scenario needs to run its steps. */
export type StepRunner = Pick<Steps, 'run'>;

/** Runs steps one after another and prints how long each took. */
export class Steps {
  private readonly began = performance.now();
  private count = 0;

  constructor(private readonly say: (line: string) => void) {}

  /** @param name what the step does, in up to 60 characters. */
  async run<T>(name: string, step: () => T | Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      const result = await step();
      this.count += 1;
      this.tell('ok    ', name, began);
      return result;
    } catch (error) {
      this.tell('FAILED', name, began);
      throw error;
    }
  }

  /** The last line: how many steps passed, and in how many seconds. */
  end(): void {
    this.tell('ok    ', `${this.count} steps`, this.began);
  }

  private tell(verdict: string, name: string, began: number): void {
    this.say(`${verdict} ${name.padEnd(62)} ${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s`);
  }
}
