// A page of both passes in a frame has the theme that the reader chose for the site.
const dress = () => {
  const theme = document.body.dataset.mdColorScheme === "slate" ? "dark" : "light";
  for (const frame of document.querySelectorAll('iframe[src*="_page.html"]')) {
    frame.contentWindow.location.replace(`${frame.src.split("#")[0]}#theme=${theme}`);
  }
};
document$.subscribe(dress);
new MutationObserver(dress).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
