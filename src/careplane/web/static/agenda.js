// The calendar by arrow keys: from a visit or a free time to the next one in that direction.

const DIRECTIONS = {
  ArrowUp: (a, b) => b.bottom <= a.top + 1 && b.left < a.right && a.left < b.right && a.top - b.bottom,
  ArrowDown: (a, b) => b.top >= a.bottom - 1 && b.left < a.right && a.left < b.right && b.top - a.bottom,
  ArrowLeft: (a, b) => b.right <= a.left + 1 && b.top < a.bottom && a.top < b.bottom && a.left - b.right,
  ArrowRight: (a, b) => b.left >= a.right - 1 && b.top < a.bottom && a.top < b.bottom && b.left - a.right,
};

for (const table of document.querySelectorAll("[data-wall]")) {
  table.addEventListener("keydown", (event) => {
    const far = DIRECTIONS[event.key];
    const from = event.target.closest("a");
    if (!far || !from || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const here = from.getBoundingClientRect();
    let best, least = Infinity;
    for (const link of table.querySelectorAll("a")) {
      const distance = link !== from && far(here, link.getBoundingClientRect());
      if (distance !== false && distance < least) [best, least] = [link, distance];
    }
    if (best) {
      event.preventDefault();
      best.focus();
    }
  });
}
