import { MAX_INVALIDATIONS, type ReportStore } from './report-store.ts'
import type { Clearing, Heartbeat, InvalidationNote, KeyCounts } from './shapes.ts'
import { FIVE_MINUTES, MemorySlots, MINUTES, ROUTE_SLOTS } from './slots.ts'

/** For the embedded service: in this process. */
export class MemoryReportStore implements ReportStore {
  readonly minutes = new MemorySlots(MINUTES)
  readonly fiveMinutes = new MemorySlots(FIVE_MINUTES)
  readonly routes = new MemorySlots(ROUTE_SLOTS)
  readonly #beats = new Map<string, Heartbeat>()
  #invalidations: InvalidationNote[] = []
  #clearing: Clearing | null = null
  #keys: KeyCounts | null = null

  async beat(beat: Heartbeat): Promise<void> {
    this.#beats.set(beat.id, beat)
  }

  async leave(id: string): Promise<void> {
    this.#beats.delete(id)
  }

  async processes(): Promise<Heartbeat[]> {
    return [...this.#beats.values()]
  }

  async addInvalidations(notes: readonly InvalidationNote[]): Promise<void> {
    this.#invalidations = [...notes.toReversed(), ...this.#invalidations].slice(0, MAX_INVALIDATIONS)
  }

  async invalidations(): Promise<InvalidationNote[]> {
    return this.#invalidations
  }

  async putClearing(clearing: Clearing): Promise<void> {
    this.#clearing = clearing
  }

  async lastClearing(): Promise<Clearing | null> {
    return this.#clearing
  }

  /** There is no Redis to sample. */
  async claimSampling(): Promise<boolean> {
    return false
  }

  async claimKeyCount(): Promise<boolean> {
    return true
  }

  async pauseKeyCount(): Promise<void> {}

  async putKeyCounts(counts: KeyCounts): Promise<void> {
    this.#keys = counts
  }

  async keyCounts(): Promise<KeyCounts | null> {
    return this.#keys
  }
}
