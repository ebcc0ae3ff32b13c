/**
 * Loaded before each test file. tap switches source maps on, and Node then parses those of every library that has them, which
 * takes a tenth of the time of a short file. Our own code needs none: Node only blanks its types out.
 */
process.setSourceMapsEnabled(false)
