// Why Python does not start, in words that name the way out.

const WAYS_OUT = [
  [/cannot be fetched/, "Look for the network and try again, or ask for the page that carries Python: it is made with --pyodide."],
  [/not the file that was tested/, "Something between here and the server changes files. Try another network, or the page that carries Python."],
  [/memory|allocat|RangeError/i, "This device has too little memory left: close other tabs and programs, and try again."],
  [/Worker|SecurityError/, "This browser keeps the page from starting a worker: open the page in Firefox, Chrome, Edge or Safari itself."],
  [/DecompressionStream|WebAssembly|not defined|not a constructor/, "This browser is too old for Python: any browser of 2024 or later will do."],
];

function whyNot({ message }) {
  const way = WAYS_OUT.find(([pattern]) => pattern.test(message));
  const end = /[.!?]$/.test(message) ? "" : ".";
  return `Python did not start: ${message}${end} ${way ? way[1] : "Try again, or load the page again."}`;
}
