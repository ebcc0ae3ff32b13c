import type { Failure } from '../failures.ts'
import type { Usage } from '../provider.ts'

/** Counts the questions of this process to the model since its start. */
export class ModelMeter {
  questions = 0
  promptTokens = 0
  completionTokens = 0
  /** Failed questions, by cause. */
  readonly failures = new Map<Failure, number>()

  answered({ promptTokens, completionTokens }: Usage): void {
    this.promptTokens += promptTokens
    this.completionTokens += completionTokens
  }

  failed(failure: Failure): void {
    this.failures.set(failure, (this.failures.get(failure) ?? 0) + 1)
  }
}
