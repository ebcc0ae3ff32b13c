-- Given to wrk: it prints the percentiles of its answers, in microseconds, of which wrk itself leaves out the last.
done = function(_, latency)
  io.write(string.format("percentiles: %d %d %d\n", latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
