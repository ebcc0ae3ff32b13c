// Not a module, so that it runs before the first paint: otherwise a dark page would flash.
try {
  document.documentElement.dataset.theme = localStorage.getItem('aikademiya.theme') ?? 'system'
} catch {
  // Storage is blocked: use the system's theme.
}
