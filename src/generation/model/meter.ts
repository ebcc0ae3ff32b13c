import type { Failure } from '../failures.ts'
import type { Usage } from '../provider.ts'

/** What this process has asked a model, since it began. */
export class ModelMeter {
  questions = 0
  promptTokens = 0
  completionTokens = 0
  /** Questions that came to nothing, by why. */
  readonly failures = new Map<Failure, number>()

  answered({ promptTokens, completionTokens }: Usage): void {
    this.promptTokens += promptTokens
    this.completionTokens += completionTokens
  }

  failed(failure: Failure): void {
    this.failures.set(failure, (this.failures.get(failure) ?? 0) + 1)
  }
}
