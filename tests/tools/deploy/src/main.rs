//! `make charts`: writes the files of `deploy/` that are made from others.

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    for file in deploy::made().await? {
        file.write()?;
    }
    Ok(())
}
