import { type Board, MAX_INVALIDATIONS } from './board.ts'
import type { Clearing, InvalidationNote, KeyCounts, ProcessBeat } from './shapes.ts'
import { FIVE_MINUTES, MemorySlots, MINUTES, ROUTE_SLOTS } from './slots.ts'

/** The board of the embedded service: in this process. */
export class MemoryBoard implements Board {
  readonly minutes = new MemorySlots(MINUTES)
  readonly fiveMinutes = new MemorySlots(FIVE_MINUTES)
  readonly routes = new MemorySlots(ROUTE_SLOTS)
  readonly #beats = new Map<string, ProcessBeat>()
  #invalidations: InvalidationNote[] = []
  #clearing: Clearing | null = null
  #keys: KeyCounts | null = null

  async beat(beat: ProcessBeat): Promise<void> {
    this.#beats.set(beat.id, beat)
  }

  async leave(id: string): Promise<void> {
    this.#beats.delete(id)
  }

  async processes(): Promise<ProcessBeat[]> {
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

  /** There is no Redis to ask. */
  async maySample(): Promise<boolean> {
    return false
  }

  async mayCountKeys(): Promise<boolean> {
    return true
  }

  async restFromCounting(): Promise<void> {}

  async putKeyCounts(counts: KeyCounts): Promise<void> {
    this.#keys = counts
  }

  async keyCounts(): Promise<KeyCounts | null> {
    return this.#keys
  }
}
