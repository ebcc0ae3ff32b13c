// Not a module: it runs before the first paint, so that a page in the dark does not flash.
try {
  document.documentElement.dataset.theme = localStorage.getItem('aikademiya.theme') ?? 'system'
} catch {
  // A browser that keeps nothing shows the theme of the system.
}
