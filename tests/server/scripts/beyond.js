// What lies beyond the right edge of the screen and is not in a part that scrolls by itself.
() => [...document.body.querySelectorAll("*")]
  .filter((node) => node.checkVisibility() && !node.closest(".unseen, .window > *, .wide > *"))
  .filter((node) => node.getBoundingClientRect().right > innerWidth + 0.5)
  .map((node) => node.outerHTML.slice(0, 80))
