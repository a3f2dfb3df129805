// Everything works without this file; with it, pages ask before something is deleted.

// Also for forms that come into the page later.
document.addEventListener('submit', (event) => {
  const { confirm } = event.target.dataset;
  if (confirm !== undefined && !window.confirm(confirm)) event.preventDefault();
});
