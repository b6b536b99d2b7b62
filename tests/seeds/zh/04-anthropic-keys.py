from anthropic import AnthropicBedrock

client = AnthropicBedrock(
    # 通过提供以下密钥进行身份验证，或使用默认的 AWS 凭证提供程序，例如
    # 使用 ~/.aws/credentials 或 "AWS_SECRET_ACCESS_KEY" 和 "AWS_ACCESS_KEY_ID" 环境变量。
    aws_access_key="<access key>",
    aws_secret_key="<secret key>",
    # 临时凭证可以与 aws_session_token 一起使用。
    # 在 https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html 了解更多信息。
    aws_session_token="<session_token>",
    # aws_region 更改发起请求的 AWS 区域。默认情况下，我们读取 AWS_REGION，
    # 如果不存在，我们默认为 us-east-1。请注意，我们不读取 ~/.aws/config 中的区域。
    aws_region="us-west-2",
)

message = client.messages.create(
    model="global.anthropic.claude-sonnet-4-5-20250929-v1:0",
    max_tokens=256,
    messages=[{"role": "user", "content": "Hello, world"}]
)
print(message.content)
