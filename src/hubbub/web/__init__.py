"""The pages, scripts and styles that browsers get from `hubbub.http.pages`; used as they stand, without a build."""
