let failures = 0; // a browser may remember that an address could not be had

/** A part of the client that not everybody needs, from where the client is from. @param {string} file */
export async function fetched(file) {
  const { href } = new URL(`${file}?${failures}`, import.meta.url);
  return import(href).catch((error) => {
    failures++;
    throw error;
  });
}
