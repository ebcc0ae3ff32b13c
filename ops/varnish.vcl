# Varnish in front of the service: it stores public responses and revalidates them before each use, so that a write is
# visible at once (docs/http.md, "Caches in between"). Run the service with TRUST_PROXY=1.
vcl 4.1;

backend default {
  .host = "127.0.0.1";
  .port = "3000";
}

sub vcl_recv {
  # Each request revalidates by itself: waiting for another request's response would only take longer.
  set req.hash_ignore_busy = true;
  # Only a proxy may set the path prefix of the service. If yours serves it below a path, set the prefix here.
  unset req.http.X-Forwarded-Prefix;
}

# Without this, Varnish is correct as well, but stores nothing, because of `no-cache`.
sub vcl_backend_response {
  set beresp.ttl = 0s;
  set beresp.grace = 0s;
  if (beresp.status == 200 && beresp.http.Cache-Control == "public, no-cache" && beresp.http.ETag) {
    # One microsecond, over before the response is sent: with a TTL of 0, Varnish would never look up what it stores.
    set beresp.ttl = 1ms * 0.001;
    set beresp.keep = 1d;
  } else {
    set beresp.uncacheable = true;
  }
  return (deliver);
}
