# Varnish in front of the service: it keeps public answers, and asks the service before each use whether they are still right, so that a
# write is seen at once (docs/http.md, Caches in between). The service has TRUST_PROXY=1.
vcl 4.1;

backend default {
  .host = "127.0.0.1";
  .port = "3000";
}

sub vcl_recv {
  # Every request asks for itself: to wait for the answer of another one would only take longer.
  set req.hash_ignore_busy = true;
  # Only a proxy may say below which path the service is found. One that serves it below a path sets it here.
  unset req.http.X-Forwarded-Prefix;
}

# Without this Varnish is right as well, but keeps nothing: `no-cache` makes it pass all requests on.
sub vcl_backend_response {
  set beresp.ttl = 0s;
  set beresp.grace = 0s;
  if (beresp.status == 200 && beresp.http.Cache-Control == "public, no-cache" && beresp.http.ETag) {
    # A microsecond, over before the answer is sent: with none Varnish would not look at what it keeps.
    set beresp.ttl = 1ms * 0.001;
    set beresp.keep = 1d;
  } else {
    set beresp.uncacheable = true;
  }
  return (deliver);
}
