/**
 * Options for an `LRUCache` of at most `max` entries that allocates as it grows. With its own option `max` it would
 * allocate room for all of them at once.
 */
export function growingTo(max: number): { maxSize: number; sizeCalculation: () => number } {
  return { maxSize: max, sizeCalculation: () => 1 }
}
