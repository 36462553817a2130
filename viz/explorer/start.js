window.explorer = new Explorer(JSON.parse(document.getElementById("data").textContent));
