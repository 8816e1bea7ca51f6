//! `make reference`: writes the pages of `docs/reference/`.

fn main() -> anyhow::Result<()> {
    for page in reference::pages()? {
        page.write()?;
    }
    Ok(())
}
