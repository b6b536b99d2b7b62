from anthropic import AnthropicBedrock

client = AnthropicBedrock(
    # Autentique fornecendo as chaves abaixo ou use os provedores de credenciais AWS padrão, como
    # usando ~/.aws/credentials ou as variáveis de ambiente "AWS_SECRET_ACCESS_KEY" e "AWS_ACCESS_KEY_ID".
    aws_access_key="<access key>",
    aws_secret_key="<secret key>",
    # Credenciais temporárias podem ser usadas com aws_session_token.
    # Leia mais em https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html.
    aws_session_token="<session_token>",
    # aws_region muda a região aws para a qual a solicitação é feita. Por padrão, lemos AWS_REGION,
    # e se isso não estiver presente, usamos como padrão us-east-1. Observe que não lemos ~/.aws/config para a região.
    aws_region="us-west-2",
)

message = client.messages.create(
    model="global.anthropic.claude-sonnet-4-5-20250929-v1:0",
    max_tokens=256,
    messages=[{"role": "user", "content": "Hello, world"}]
)
print(message.content)
